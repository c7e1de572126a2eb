import type { ServerResponse } from 'node:http';
import type { Refusal } from './refusal.ts';

const JSON_TYPE = 'application/json; charset=utf-8';

/** An answer in one piece, with its length. */
export function sendJson(response: ServerResponse, status: number, value: object, contentType = JSON_TYPE): void {
  send(response, status, contentType, JSON.stringify(value));
}

export function sendText(response: ServerResponse, status: number, contentType: string, text: string): void {
  send(response, status, contentType, text);
}

/** Does nothing where the headers are already gone: then there is no status left to give. */
export function sendRefusal(response: ServerResponse, refusal: Refusal): void {
  if (!response.headersSent) sendJson(response, refusal.status, { error: refusal.message }, refusal.contentType);
}

function send(response: ServerResponse, status: number, contentType: string, text: string): void {
  response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}
