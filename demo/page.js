// Lets a photo be pasted anywhere on the page; the well takes only what is dropped on it or chosen.
() => {
  document.addEventListener('paste', event => {
    const photo = [...(event.clipboardData?.files ?? [])].find(file => file.type.startsWith('image/'));
    const well = document.querySelector('#photo input[type=file]');
    if (!photo || !well) return;
    event.preventDefault();
    const given = new DataTransfer();
    given.items.add(photo);
    well.files = given.files;
    well.dispatchEvent(new Event('change', {bubbles: true}));
  });
}
