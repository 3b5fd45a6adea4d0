// The document as it stands now, serialised.
(limit) => {
  const doctype = document.doctype ? new XMLSerializer().serializeToString(document.doctype) + "\n" : "";
  return (doctype + (document.documentElement ? document.documentElement.outerHTML : "")).slice(0, limit);
}
