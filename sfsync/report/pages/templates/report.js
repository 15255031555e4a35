"use strict";
(() => {
  const STEP = 200;
  const FIRST = 2;
  const at = (id) => document.getElementById(id);
  const { records, applied } = JSON.parse(at("records-data").textContent);
  const NONE = "(none)";
  const OK = "(nothing)";
  const filters = {
    kind: (each) => [each.kind],
    action: (each) => [each.action],
    outcome: (each) => [each.outcome],
    stage: (each) => [each.stage || NONE],
    owner: (each) => [each.owner || NONE],
    problem: (each) => (each.codes.length ? each.codes : [OK]),
  };
  const made = (tag, text, name) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (name) element.className = name;
    return element;
  };
  const change = ([name, old, becomes]) => `${name}: ${old ? `${old} → ` : ""}${becomes}`;
  const more = (count) => `... and ${count.toLocaleString("en-US")} more`;
  for (const each of records) {
    const said = [each.label, each.key, each.place, each.because, each.id, each.stage, each.owner, each.action];
    const fields = each.fields.entries.map(change);
    each.text = [...said, each.outcome, ...each.codes, ...each.said, ...fields].join("\n").toLowerCase();
  }

  for (const [name, values] of Object.entries(filters)) {
    const counts = new Map();
    for (const each of records) for (const value of values(each)) counts.set(value, (counts.get(value) || 0) + 1);
    const select = at(`filter-${name}`);
    for (const value of [...counts.keys()].sort()) {
      const option = made("option", `${value} (${counts.get(value).toLocaleString("en-US")})`);
      option.value = value;
      select.append(option);
    }
    select.parentElement.hidden = counts.size < 2;
  }

  const list = (entries, left) => {
    const whole = made("ul");
    for (const each of entries) whole.append(made("li", each));
    if (left) whole.append(made("li", more(left), "faint"));
    return whole;
  };
  const told = (each) => {
    const cell = made("td");
    for (const text of each.said) cell.append(made("p", text, "bad"));
    const fields = each.fields.entries.map(change);
    const first = fields.length > FIRST + 1 ? FIRST : fields.length;
    const folded = fields.length - first + each.fields.left_out;
    if (first) cell.append(list(fields.slice(0, first), 0));
    if (folded) {
      const details = made("details");
      details.append(made("summary", `${folded.toLocaleString("en-US")} more fields`));
      details.append(list(fields.slice(first), each.fields.left_out));
      cell.append(details);
    }
    return cell;
  };
  const row = (each) => {
    const line = made("tr");
    const head = made("th", each.label);
    head.scope = "row";
    const where = [each.key, each.place, each.id, each.because].filter((text) => text && text !== each.label);
    if (where.length) head.append(made("span", where.join(", "), "where"));
    const ended = [applied ? each.outcome : "", ...each.codes].filter(Boolean).join(", ");
    line.append(head, made("td", `${each.action} ${each.kind}`), made("td", each.stage), made("td", each.owner));
    line.append(made("td", ended, each.codes.length ? "bad" : ""), told(each), made("td", each.guarantee));
    return line;
  };

  const body = at("records-body");
  const next = at("records-more");
  let found = [];
  let shown = 0;
  const grow = () => {
    body.append(...found.slice(shown, shown + STEP).map(row));
    shown = Math.min(found.length, shown + STEP);
    next.hidden = shown === found.length;
    const of = `${found.length.toLocaleString("en-US")} of ${records.length.toLocaleString("en-US")} records match`;
    at("records-status").textContent = shown < found.length ? `${of}; the first ${shown} are shown` : of;
  };
  const look = () => {
    const words = at("filter-search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = Object.keys(filters)
      .map((name) => [filters[name], at(`filter-${name}`).value])
      .filter(([, value]) => value);
    found = records.filter(
      (each) =>
        words.every((word) => each.text.includes(word)) &&
        wanted.every(([values, value]) => values(each).includes(value)),
    );
    shown = 0;
    body.replaceChildren();
    grow();
  };
  const inputs = ["search", ...Object.keys(filters)].map((name) => at(`filter-${name}`));
  for (const each of inputs) each.addEventListener("input", look);
  next.addEventListener("click", grow);
  at("records-clear").addEventListener("click", () => {
    for (const each of inputs) each.value = "";
    look();
    inputs[0].focus();
  });
  look();
  at("records").hidden = false;
  at("records-plain").hidden = true;
})();
