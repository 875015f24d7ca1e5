// A tag, a card, a meaning, an example or the plot is chosen in the HTML of the photo section.
element.addEventListener('click', event => {
  const button = event.target.closest('button[data-tag], button[data-name], button[data-ask]');
  if (!button) return;
  const {name, ask, tag} = button.dataset;
  if (name) return trigger('click', {name});
  if (ask) return trigger('click', {ask});
  mark(tag);
  trigger('click', {tag});
  const why = document.querySelector('#why-panel'), {top, bottom} = why.getBoundingClientRect();
  if (top > innerHeight - 200 || bottom < 200) scrollToTop(why);
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
