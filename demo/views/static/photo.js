// A tag, a card, a meaning or an example is chosen in the HTML of the photo section.
element.addEventListener('click', event => {
  const button = event.target.closest('button[data-tag], button[data-name]');
  if (!button) return;
  if (button.dataset.name) return trigger('click', {name: button.dataset.name});
  for (const other of document.querySelectorAll('#tags button[data-tag]'))
    other.setAttribute('aria-pressed', String(other === button));
  trigger('click', {tag: button.dataset.tag});
  const why = document.querySelector('#why-panel'), {top, bottom} = why.getBoundingClientRect();
  if (top > innerHeight - 200 || bottom < 200) scrollToTop(why);
});
element.addEventListener('change', event => {
  const tag = event.target.dataset.meaningOf;
  if (tag) trigger('submit', {tag, gloss: event.target.value});
});
const scrollToTop = part => part.scrollIntoView({
  block: 'start', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth',
});
// gradio folds a list again when it draws it anew.
let unfolded = false;
element.addEventListener('click', ({target}) => {
  const list = target.closest('#present summary')?.parentElement;
  if (list) unfolded = !list.open;
});
watch('value', () => requestAnimationFrame(() => {
  if (unfolded) element.querySelector('#present details')?.setAttribute('open', '');
}));
