// Title of the document.
() => document.title
