// Columns sort by their `data-sort` numbers, else by their text; headings are buttons, so keys work too.
export function sortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => sort(table, heads, column));
  });
}

function sort(table, heads, column) {
  const up = heads[column].getAttribute('aria-sort') !== 'ascending';
  heads.forEach(head => head.removeAttribute('aria-sort'));
  heads[column].setAttribute('aria-sort', up ? 'ascending' : 'descending');
  const key = row => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
  const body = table.tBodies[0];
  const rows = [...body.rows].sort((a, b) => compare(key(a), key(b), up));
  body.append(...rows);
}

// What is no number comes last, whichever way.
function compare(a, b, up) {
  const [x, y] = [parseFloat(a), parseFloat(b)];
  const [isX, isY] = [Number.isFinite(x), Number.isFinite(y)];
  if (isX !== isY) return isX ? -1 : 1;
  const order = isX ? x - y : a.localeCompare(b);
  return up ? order : -order;
}
