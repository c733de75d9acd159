// Questions of a gig: add, move and remove rows. Without it the form shows a few empty rows and a field for each row's place.
for (const section of document.querySelectorAll("[data-questions]")) {
  const template = section.querySelector("template");
  const add = section.querySelector("[data-question-add]");
  const total = section.querySelector("[name$=TOTAL_FORMS]");
  const rows = () => [...section.querySelectorAll("[data-question]")];
  const shown = () => rows().filter((row) => !row.hidden);
  const field = (row, name) => row.querySelector(`[name$="-${name}"]`);
  const isEmpty = (row) => !field(row, "question").value && !field(row, "choices").value && !row.querySelector(".field--error");

  function number() {
    for (const [place, row] of [...shown(), ...rows().filter((row) => row.hidden)].entries()) field(row, "ORDER").value = place + 1;
    for (const [place, row] of shown().entries()) {
      row.querySelector("[data-question-number]").textContent = place + 1;
      row.querySelector("[data-question-up]").hidden = place === 0;
      row.querySelector("[data-question-down]").hidden = place === shown().length - 1;
    }
    add.hidden = shown().length >= Number(section.dataset.max);
  }

  function showChoices(row) {
    const isChoice = field(row, "kind").value === "choice";
    field(row, "choices").closest(".field").hidden = !isChoice && !field(row, "choices").value;
  }

  function prepare(row) {
    row.querySelector("[data-question-tools]").hidden = false;
    field(row, "ORDER").closest(".field").hidden = true;
    showChoices(row);
  }

  function newRow() {
    const spare = rows().find((row) => row.hidden);
    if (spare) {
      add.before(spare);
      spare.hidden = false;
      return spare;
    }
    const html = document.createElement("template");
    html.innerHTML = template.innerHTML.replaceAll("__prefix__", total.value);
    const row = html.content.firstElementChild;
    total.value = Number(total.value) + 1;
    add.before(row);
    prepare(row);
    return row;
  }

  section.addEventListener("change", (event) => {
    if (event.target.name?.endsWith("-kind")) showChoices(event.target.closest("[data-question]"));
  });

  section.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const row = button?.closest("[data-question]");
    if (button === add) {
      const fresh = newRow();
      number();
      field(fresh, "question").focus();
    } else if (row) {
      const place = shown().indexOf(row);
      if ("questionUp" in button.dataset) shown()[place - 1]?.before(row);
      if ("questionDown" in button.dataset) shown()[place + 1]?.after(row);
      if ("questionRemove" in button.dataset) {
        field(row, "question").value = field(row, "choices").value = "";
        row.hidden = true;
      }
      number();
      (row.hidden || button.hidden ? (shown()[place] ? field(shown()[place], "question") : add) : button).focus();
    }
  });

  for (const row of rows()) {
    prepare(row);
    row.hidden = isEmpty(row);
  }
  number();
}
