// Scroll to the plot and the cards once they are there after a visitor asked for them; follows photo.js.
let wanted = false;
document.addEventListener('click', ({target}) => {
  const button = target.closest?.('button[data-ask]');
  if (button) wanted = button.dataset.ask === 'show';
});
watch('value', () => requestAnimationFrame(() => {
  if (!wanted || !element.querySelector('article')) return;
  wanted = false;
  scrollToTop(document.querySelector('#results'));
}));
