// A click on a response, or an arrow key where nothing is being typed. Props: value, the card.
function choose(side) {
  const asked = element.querySelector('[data-question]');
  if (asked) trigger('select', { side, question: Number(asked.dataset.question) });
}

element.addEventListener('click', event => {
  const card = event.target.closest('[data-side]');
  if (card) choose(card.dataset.side);
});
document.addEventListener('keydown', event => {
  const side = { ArrowLeft: 'left', ArrowRight: 'right' }[event.key];
  const typing = event.target.closest('input, textarea, [role=slider]');
  if (side && !typing && !event.repeat && element.isConnected) choose(side);
});
