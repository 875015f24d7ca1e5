// Complete a link with the page's own address and copy it.
watch('value', () => {
  const box = element.querySelector('input'), explanation = element.querySelector('[data-announce]');
  if (!box) return;
  box.value = `${location.origin}${location.pathname}?${box.dataset.query}`;
  navigator.clipboard?.writeText(box.value).then(() => {
    const text = explanation.querySelector('[data-say]');
    say(text, 'link_copied', {text: JSON.parse(text.dataset.say)});
  }, () => box.select());
});
