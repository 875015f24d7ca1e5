// What no component does: photos pasted anywhere on the page, and plots saved as they are drawn.
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

  // The drawing has its light colours inside; the page's own style sheet does not travel with it.
  document.addEventListener('click', async event => {
    const button = event.target.closest('button[data-plot]');
    if (!button) return;
    const drawn = [...button.closest('figure').querySelectorAll('svg')].find(one => one.clientWidth > 0);
    if (!drawn) return;
    const copy = drawn.cloneNode(true), {width, height} = drawn.viewBox.baseVal;
    const paper = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    for (const [name, value] of Object.entries({width: '100%', height: '100%', fill: '#ffffff'}))
      paper.setAttribute(name, value);
    copy.prepend(paper);
    copy.setAttribute('width', width);
    copy.setAttribute('height', height);
    let saved = new Blob([new XMLSerializer().serializeToString(copy)], {type: 'image/svg+xml'});
    if (button.dataset.plot === 'png') {
      const picture = new Image();
      picture.src = URL.createObjectURL(saved);
      await picture.decode();
      const canvas = document.createElement('canvas');
      canvas.width = 2 * width;
      canvas.height = 2 * height;
      canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
      URL.revokeObjectURL(picture.src);
      saved = await new Promise(done => canvas.toBlob(done, 'image/png'));
    }
    const link = document.createElement('a');
    link.href = URL.createObjectURL(saved);
    link.download = `${button.dataset.name}.${button.dataset.plot}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  });
}
