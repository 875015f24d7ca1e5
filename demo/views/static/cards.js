// Scroll to the typed categories when other ones appear; follows photo.js.
let shown = '';
watch('value', () => {
  const names = [...element.querySelectorAll('h3')].map(heading => heading.textContent).join();
  if (names && names !== shown) scrollToTop(document.querySelector('#results'));
  shown = names;
});
