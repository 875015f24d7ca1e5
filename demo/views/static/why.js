// Edit the sentences of the Why panel in place: what is typed but not sent yet survives a new drawing of the panel.
const unsent = new Map();
const fields = () => [...element.querySelectorAll('[data-key]')];
const grow = box => { box.style.height = 'auto'; box.style.height = `${box.scrollHeight}px`; };
const changed = box => box.value !== box.defaultValue;
const send = (action, index, text) => {
  unsent.delete(text === undefined ? '' : index < 0 ? 'add' : `text-${index}`);
  trigger('click', {action, index, text: text ?? ''});
};
element.addEventListener('input', event => {
  const box = event.target;
  if (box.type !== 'checkbox' && box.dataset.key) unsent.set(box.dataset.key, box.value);
  if (box.tagName === 'TEXTAREA') grow(box);
});
element.addEventListener('change', event => {
  const box = event.target, index = Number(box.dataset.index);
  if (box.type === 'checkbox') send('switch', index);
  else if (box.tagName === 'TEXTAREA' && changed(box)) send('rewrite', index, box.value);
});
element.addEventListener('keydown', event => {
  const box = event.target;
  if (box.tagName !== 'TEXTAREA') return;
  if (event.key === 'Enter') {
    event.preventDefault();
    if (changed(box)) send('rewrite', Number(box.dataset.index), box.value);
  }
  if (event.key === 'Escape') { box.value = box.defaultValue; unsent.delete(box.dataset.key); grow(box); }
});
element.addEventListener('submit', event => {
  event.preventDefault();
  send('add', -1, element.querySelector('[data-key=add]').value);
});
let tag = '';
const restore = () => {
  const now = element.querySelector('.why')?.dataset.tag ?? '';
  if (now !== tag) unsent.clear();
  tag = now;
  for (const box of fields()) {
    if (unsent.has(box.dataset.key)) box.value = unsent.get(box.dataset.key);
    if (box.tagName === 'TEXTAREA') grow(box);
  }
};
watch('value', () => requestAnimationFrame(restore));
new ResizeObserver(() => element.querySelectorAll('textarea').forEach(grow)).observe(element);
requestAnimationFrame(restore);
