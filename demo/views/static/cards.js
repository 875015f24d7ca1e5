// Scroll to the typed categories when a visitor asked for other ones, not when a link opens with some; follows photo.js.
let shown = '', asked = false;
for (const kind of ['click', 'keydown'])
  document.addEventListener(kind, ({target}) => { asked ||= Boolean(target.closest?.('#ask-panel')); });
watch('value', () => {
  const names = [...element.querySelectorAll('h3')].map(heading => heading.textContent).join();
  if (asked && names && names !== shown) scrollToTop(document.querySelector('#results'));
  shown = names;
});
