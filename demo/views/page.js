// What no component does: photos pasted anywhere, plots saved as they are drawn, and the page by keyboard and by ear.
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

  document.addEventListener('keydown', event => {
    const tab = event.target.closest?.('[role=tab]');
    if (!tab) return;
    const tabs = [...tab.closest('[role=tablist]').querySelectorAll('[role=tab]')], at = tabs.indexOf(tab);
    const to = {ArrowLeft: at - 1, ArrowRight: (at + 1) % tabs.length, Home: 0, End: -1}[event.key];
    if (to === undefined) return;
    event.preventDefault();
    tabs.at(to).focus();
    tabs.at(to).click();
  });

  // A part that is drawn anew loses the control that had the focus: its successor gets it.
  const named = one => one.dataset.key ?? JSON.stringify({...one.dataset});
  let focused = null;
  document.addEventListener('focusin', ({target}) => {
    focused = {target, name: named(target), place: target.closest('[id]')?.id};
  });
  document.addEventListener('pointerdown', ({target}) => {  // whoever clicks beside it has left it
    if (!focused?.target.contains(target)) focused = null;
  });
  const refocus = () => {
    if (!focused || focused.target.isConnected || focused.name === '{}' || document.activeElement !== document.body) return;
    const controls = document.getElementById(focused.place)?.querySelectorAll(focused.target.tagName) ?? [];
    [...controls].find(one => named(one) === focused.name)?.focus({preventScroll: true});
  };

  // A screen reader hears a live region only if it was there before its words. The head of the page has one, which says
  // what has become new among the parts that ask for it, once the page has come to rest.
  const parts = () => [...document.querySelectorAll('[data-said]')];
  const words = one => one.dataset.said || one.innerText;
  let known = new Set(parts().map(words)), due;
  new MutationObserver(() => {
    refocus();
    clearTimeout(due);
    due = setTimeout(() => {
      const now = parts(), news = now.filter(one => one.checkVisibility() && !known.has(words(one)));
      known = new Set(now.map(words));
      if (news.length) document.getElementById('said').textContent = news.map(words).join(' ');
    }, 300);
  }).observe(document.body, {childList: true, subtree: true, characterData: true});
}
