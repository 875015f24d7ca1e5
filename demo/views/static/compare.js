// A row leads to the reasons of its tag; the panel that shows them comes into view with its tab.
let leads = false;
element.addEventListener('click', ({target}) => {
  const row = target.closest('button[data-tag]');
  if (!row) return;
  leads = true;
  trigger('select', {tag: row.dataset.tag, kind: row.dataset.kind});
});
new ResizeObserver(([panel]) => {
  if (!leads || !panel.contentRect.height) return;
  leads = false;
  const {top} = panel.target.getBoundingClientRect();
  if (top < 0 || top > innerHeight - 200) panel.target.scrollIntoView({block: 'start', behavior: 'instant'});
}).observe(document.querySelector('#why-panel'));
// gradio folds a list again when it draws it anew.
const unfolded = new Set();
const list = details => details.dataset.group ?? details.className;
element.addEventListener('click', ({target}) => {
  const details = target.closest('summary')?.parentElement;
  if (details) unfolded[details.open ? 'delete' : 'add'](list(details));
});
watch('value', () => requestAnimationFrame(() => {
  for (const details of element.querySelectorAll('details')) details.open = unfolded.has(list(details));
}));
