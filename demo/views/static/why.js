// Edit the sentences of the Why panel in place. What is typed but not sent yet is kept for each photo and tag.
const drafts = new Map();
const panel = () => element.querySelector('.why')?.dataset ?? {};
const draft = box => JSON.stringify([panel().photo, panel().tag, box.dataset.key]);
const fields = () => [...element.querySelectorAll('input[data-key], textarea[data-key]')];
// All boxes are measured before one is changed, so that the browser lays the panel out once.
const grow = (...boxes) => {
  for (const box of boxes) box.style.height = 'auto';
  const heights = boxes.map(box => box.scrollHeight);
  boxes.forEach((box, index) => { box.style.height = `${heights[index]}px`; });
};
const growAll = () => grow(...element.querySelectorAll('textarea'));
const changed = box => box.value !== box.defaultValue;
const send = (box, action, text = '') => {
  drafts.delete(draft(box));
  trigger('click', {action, tag: panel().tag, index: Number(box.dataset.index ?? -1), text});
};
element.addEventListener('input', event => {
  const box = event.target;
  if (box.type !== 'checkbox' && box.dataset.key) drafts.set(draft(box), box.value);
  if (box.tagName === 'TEXTAREA') grow(box);
});
element.addEventListener('change', event => {
  const box = event.target;
  if (box.type === 'checkbox') send(box, 'switch');
  else if (box.tagName === 'TEXTAREA' && changed(box)) send(box, 'rewrite', box.value);
});
element.addEventListener('click', event => {
  const button = event.target.closest('[data-action]');
  if (button) send(button, button.dataset.action);
});
// gradio folds a list again when it draws it anew.
const unfolded = new Set();
const list = details => JSON.stringify([panel().tag, details.className]);
element.addEventListener('click', ({target}) => {
  const details = target.closest('summary')?.parentElement;
  if (details) unfolded[details.open ? 'delete' : 'add'](list(details));
});
element.addEventListener('keydown', event => {
  const box = event.target;
  if (box.tagName !== 'TEXTAREA') return;
  if (event.key === 'Enter') {
    event.preventDefault();
    if (changed(box)) send(box, 'rewrite', box.value);
  }
  if (event.key === 'Escape') { box.value = box.defaultValue; drafts.delete(draft(box)); grow(box); }
});
element.addEventListener('submit', event => {
  event.preventDefault();
  const box = element.querySelector('[data-key=add]');
  send(box, 'add', box.value);
});
// gradio reuses the boxes of the panel before, and a box keeps what was typed into it: show what belongs here.
const restore = () => {
  for (const box of fields()) {
    if (box.type === 'checkbox') box.checked = box.defaultChecked;
    else box.value = drafts.get(draft(box)) ?? box.defaultValue;
  }
  growAll();
  for (const details of element.querySelectorAll('details')) details.open = unfolded.has(list(details));
  for (const row of document.querySelectorAll('.tag-row[data-tag]'))
    row.setAttribute('aria-pressed', String(row.dataset.tag === panel().tag));
};
watch('value', () => requestAnimationFrame(restore));
new ResizeObserver(growAll).observe(element);
requestAnimationFrame(restore);
