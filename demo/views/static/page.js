// For the whole page: paste photos anywhere, save plots, and support keyboards and screen readers.
() => {
  document.addEventListener('paste', event => {
    const photo = [...(event.clipboardData?.files ?? [])].find(file => file.type.startsWith('image/'));
    const input = document.querySelector('#photo input[type=file]');
    if (!photo || !input) return;
    event.preventDefault();
    const transfer = new DataTransfer();
    transfer.items.add(photo);
    input.files = transfer.files;
    input.dispatchEvent(new Event('change', {bubbles: true}));
  });

  // Save a plot. It carries its light colours inside; the page's style sheet is not saved with it.
  document.addEventListener('click', async event => {
    const button = event.target.closest('button[data-plot]');
    if (!button) return;
    const visible = [...button.closest('figure').querySelectorAll('svg')].find(svg => svg.clientWidth > 0);
    if (!visible) return;
    const copy = visible.cloneNode(true), {width, height} = visible.viewBox.baseVal;
    const background = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    for (const [name, value] of Object.entries({width: '100%', height: '100%', fill: '#ffffff'}))
      background.setAttribute(name, value);
    copy.prepend(background);
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

  document.addEventListener('keydown', event => {
    const tab = event.target.closest?.('[role=tab]');
    if (!tab) return;
    const tabs = [...tab.closest('[role=tablist]').querySelectorAll('[role=tab]')], index = tabs.indexOf(tab);
    const next = {ArrowLeft: index - 1, ArrowRight: (index + 1) % tabs.length, Home: 0, End: -1}[event.key];
    if (next === undefined) return;
    event.preventDefault();
    tabs.at(next).focus();
    tabs.at(next).click();
  });

  // When a part is drawn again, the control in it that had the focus is replaced: focus its successor.
  const key = control => control.dataset.key ?? JSON.stringify({...control.dataset});
  let focused = null;
  document.addEventListener('focusin', ({target}) => {
    focused = {target, key: key(target), part: target.closest('[id]')?.id};
  });
  document.addEventListener('pointerdown', ({target}) => {  // a click elsewhere leaves the control
    if (!focused?.target.contains(target)) focused = null;
  });
  const refocus = () => {
    if (!focused || focused.target.isConnected || focused.key === '{}' || document.activeElement !== document.body) return;
    const controls = document.getElementById(focused.part)?.querySelectorAll(focused.target.tagName) ?? [];
    [...controls].find(control => key(control) === focused.key)?.focus({preventScroll: true});
  };

  // Screen readers only announce changes of a live region that existed before. The page's head has one; it gets the text
  // of every new part marked with data-announce, once the page has come to rest.
  const parts = () => [...document.querySelectorAll('[data-announce]')];
  const text = part => part.dataset.announce || part.innerText;
  let known = new Set(parts().map(text)), timer;
  new MutationObserver(() => {
    refocus();
    clearTimeout(timer);
    timer = setTimeout(() => {
      const now = parts(), added = now.filter(part => part.checkVisibility() && !known.has(text(part)));
      known = new Set(now.map(text));
      if (added.length) document.getElementById('announcer').textContent = added.map(text).join(' ');
    }, 300);
  }).observe(document.body, {childList: true, subtree: true, characterData: true});
}
