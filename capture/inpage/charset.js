// Character set as the browser took it.
() => document.characterSet
