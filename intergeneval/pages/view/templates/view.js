// The viewing page: asks again every two seconds, so that a run that is going on is followed; it changes nothing.
"use strict";
(() => {
  const token = new URLSearchParams(location.search).get("token") || "";
  const byId = (id) => document.getElementById(id);
  const state = { run: new URLSearchParams(location.hash.slice(1)).get("run") || "", shown: "", data: null, listed: "" };
  const ask = async (path) => {
    const reply = await fetch(path, { headers: { "X-Token": token } });
    const value = await reply.json();
    if (!reply.ok) throw new Error(value.error || reply.statusText);
    return value;
  };
  const made = (tag, text, name) => { const one = document.createElement(tag); one.textContent = text; if (name) one.className = name; return one; };
  const number = (value) => (value === null || value === undefined ? "-" : value.toFixed(3));

  const listRuns = (found) => {
    const text = JSON.stringify([found.runs, state.run]);
    if (text === state.listed) return;
    state.listed = text;
    byId("runs").replaceChildren(...found.runs.map((run) => {
      const row = made("li", "");
      const button = made("button", run.error ? `${run.run}: ${run.error}` : `${run.model} on ${run.bench}: ${run.seen} of ${run.expected}${run.scored ? "" : ", going on"} (${run.run})`, run.error ? "error" : "");
      button.type = "button";
      button.disabled = Boolean(run.error);
      button.setAttribute("aria-current", String(run.run === state.run));
      button.addEventListener("click", () => { state.run = run.run; location.hash = `run=${encodeURIComponent(run.run)}`; state.shown = ""; look(); });
      row.append(button);
      return row;
    }));
    byId("progress").textContent = `${found.runs.length === 1 ? "1 run" : `${found.runs.length} runs`} in ${found.root}`;
  };
  // A control must be answered no, and counts for no score: who looks for what went wrong does not look for those.
  const said = (row, answer) => row.answers.some((one) => !one.control && one.answer === answer);
  const options = (select, values) => {
    const kept = select.value;
    select.replaceChildren(select.options[0], ...values.map((value) => { const one = made("option", value); one.value = value; return one; }));
    select.value = values.includes(kept) ? kept : "";
  };
  const showRun = (data) => {
    const text = JSON.stringify(data);
    if (text === state.shown) return;
    state.shown = text;
    state.data = data;
    byId("title").textContent = `${data.model} on ${data.bench}, judge ${data.judge}: ${data.rows.length} of ${data.expected} videos`;
    options(byId("status"), [...new Set(data.rows.map((row) => row.status))].sort());
    options(byId("answer"), [...new Set(data.rows.flatMap((row) => row.answers.filter((one) => !one.control).map((one) => one.answer)))].sort());
    filter();
  };
  const filter = () => {
    if (!state.data) return;
    const [status, answer, words] = [byId("status").value, byId("answer").value, byId("words").value.trim().toLowerCase()];
    const open = new Set([...document.querySelectorAll("#rows details[open]")].map((one) => one.dataset.key));
    const rows = state.data.rows.filter((row) => (!status || row.status === status) && (!answer || said(row, answer))
      && (!words || `${row.sample} ${row.prompt} ${row.reason}`.toLowerCase().includes(words)));
    byId("rows").replaceChildren(...rows.map((row) => {
      const one = made("details", "");
      one.dataset.key = `${row.sample}/${row.seed}`;
      one.open = open.has(one.dataset.key);
      const bounds = row.bounds ? ` [${number(row.bounds[0])}, ${number(row.bounds[1])}]` : "";
      const summary = made("summary", `${row.sample} (seed ${row.seed}): ${row.status}, IF ${number(row.if)}${bounds}`);
      if (row.doubts.length) summary.append(made("span", `, ${row.doubts.length === 1 ? "a mask" : "masks"} doubted`, "error"));
      summary.append(made("span", row.prompt, "prompt"));
      one.append(summary, ...row.doubts.map((text) => made("p", `doubted mask: ${text}`, "error")));
      if (row.reason) one.append(made("p", row.reason, "error"));
      const table = made("table", "");
      table.append(...row.answers.filter((each) => !answer || (!each.control && each.answer === answer)).map((each) => {
        const line = made("tr", "");
        line.append(made("th", each.answer), made("td", each.control ? `Control, must be no: ${each.text}` : each.text), made("td", each.frame === null ? "" : `frame ${each.frame}`), made("td", each.reason));
        return line;
      }));
      one.append(table);
      return one;
    }));
    byId("count").textContent = `${rows.length} of ${state.data.rows.length} shown`;
  };
  const look = async () => {
    try {
      listRuns(await ask("/api/runs"));
      if (state.run) showRun(await ask(`/api/run?run=${encodeURIComponent(state.run)}`));
    } catch (error) {
      byId("progress").textContent = error.message;
    }
  };
  for (const id of ["status", "answer"]) byId(id).addEventListener("change", filter);
  byId("words").addEventListener("input", filter);
  look();
  setInterval(look, 2000);
})();
