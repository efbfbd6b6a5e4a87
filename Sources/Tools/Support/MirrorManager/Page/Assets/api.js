// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

// The manager's routes.

/** An answer that is not a success; `status` is 0 when there was none. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

let askForToken = async () => false;

/** Sets what asks the user for a token: a function of a reason that resolves to whether there is a session now. */
export function onUnauthorized(handler) { askForToken = handler; }

const join = (row) => `${encodeURIComponent(row.worker)}/${encodeURIComponent(row.name)}`;

async function request(path, { method = "GET", body, signal, asks = true } = {}) {
  let response;
  try {
    response = await fetch(path, {
      method, signal, credentials: "same-origin",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The manager cannot be reached");
  }
  if (response.ok) return response;
  const reason = await reasonOf(response);
  if ((response.status === 401 || response.status === 403) && asks && await askForToken(response.status, reason)) {
    return request(path, { method, body, signal, asks: false });
  }
  throw new ApiError(response.status, reason);
}

/** What a refusal says. */
async function reasonOf(response) {
  const text = (await response.text()).trim();
  try {
    const document = JSON.parse(text);
    return document.error ?? document.message ?? document.msg ?? text;
  } catch {
    return text.slice(0, 300) || `The manager answered ${response.status}`;
  }
}

const json = async (path, options) => (await request(path, options)).json();

export const api = {
  mirrors: () => json("/api/v1/mirrors"),
  workers: () => json("/api/v1/workers", { asks: false }),
  /** Who this browser is to the manager. */
  session: () => json("/api/v1/session", { asks: false }),
  history: (row, limit, options) => json(`/api/v1/mirrors/${join(row)}/history?limit=${limit}`, options),
  explain: (row, options) => json(`/api/v1/mirrors/${join(row)}/explain`, options),
  logs: (row, options) => json(`/api/v1/mirrors/${join(row)}/logs`, options),
  /** The bytes of a log as a stream; with `follow` it ends with the run. */
  log: async (row, id, { offset, follow, signal }) => {
    const path = `/api/v1/mirrors/${join(row)}/logs/${encodeURIComponent(id)}?offset=${offset}&follow=${follow}`;
    return (await request(path, { signal })).body;
  },
  command: (cmd, row, options = {}) => json("/api/v1/commands", {
    method: "POST", body: { cmd, mirror_id: row.name ?? "", worker_id: row.worker, options },
  }),
  signIn: (token) => request("/api/v1/session", { method: "POST", body: { token }, asks: false }),
  signOut: () => request("/api/v1/session", { method: "DELETE", asks: false }),
  ping: () => request("/ping", { signal: AbortSignal.timeout(8000), asks: false }),
};
