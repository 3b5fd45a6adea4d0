// Whether there is a body to draw: without one the browser draws nothing, and a picture would wait for ever.
() => document.body !== null
