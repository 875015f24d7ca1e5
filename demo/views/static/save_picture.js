// Save a picture as soon as its link is on the page.
watch('value', () => requestAnimationFrame(() => {
  const link = element.querySelector('a[data-save]');
  if (!link) return;
  link.removeAttribute('data-save');
  link.click();
}));
