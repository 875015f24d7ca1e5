// A tag, a card, a meaning, an example or the plot is chosen in the HTML of the photo section.
const BUTTONS = 'button[data-tag], button[data-name], button[data-ask]';
const SLIP = 10;  // pixels that a finger or mouse may move during a click
const CLICK_AFTER = 700;  // milliseconds in which the browser's own click follows a release
let pressed = null, released = -CLICK_AFTER;
const choose = ({name, ask, tag}) => {
  if (name) return trigger('click', {name});
  if (ask) return trigger('click', {ask});
  mark(tag);
  trigger('click', {tag});
  const why = document.querySelector('#why-panel'), {top, bottom} = why.getBoundingClientRect();
  if (top > innerHeight - 200 || bottom < 200) scrollToTop(why);
};
// What was pressed counts, since an answer may draw the list anew or move it before the release.
element.addEventListener('pointerdown', ({target, button, clientX, clientY}) => {
  const chosen = button === 0 && target.closest(BUTTONS);
  pressed = chosen ? {chosen: {...chosen.dataset}, clientX, clientY} : null;
});
document.addEventListener('pointerup', ({clientX, clientY, timeStamp}) => {
  if (pressed && Math.hypot(clientX - pressed.clientX, clientY - pressed.clientY) < SLIP) {
    released = timeStamp;
    choose(pressed.chosen);
  }
  pressed = null;
});
document.addEventListener('pointercancel', () => { pressed = null; });
element.addEventListener('click', ({target, detail, timeStamp}) => {
  const button = target.closest(BUTTONS);
  if (button && (!detail || timeStamp - released > CLICK_AFTER)) choose(button.dataset);  // a key or a reading aid
});
element.addEventListener('change', event => {
  const tag = event.target.dataset.meaningOf;
  if (tag) trigger('submit', {tag, gloss: event.target.value});
});
// Mark the row of the tag that the Why panel explains.
const mark = tag => {
  for (const row of document.querySelectorAll('.tag-row[data-tag]'))
    row.setAttribute('aria-pressed', String(row.dataset.tag === tag));
};
watch('value', () => requestAnimationFrame(() => mark(document.querySelector('#why .why')?.dataset.tag)));
const scrollToTop = part => part.scrollIntoView({
  block: 'start', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth',
});
