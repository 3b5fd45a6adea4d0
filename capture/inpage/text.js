// Visible text of the document as a reader would copy it.
(limit) => (document.body ? document.body.innerText : "").slice(0, limit)
