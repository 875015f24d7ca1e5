// Save a file as soon as its text is on the page.
watch('value', () => {
  const text = element.querySelector('textarea[data-name]');
  if (!text) return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text.value], {type: text.dataset.kind}));
  link.download = text.dataset.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  text.remove();
});
