// Whether anything on the page can still change it by itself: a page without scripts and frames is done at load.
() => document.scripts.length > 0
  || document.querySelector("iframe, frame, object, embed, video, audio, meta[http-equiv=refresh i]") !== null
