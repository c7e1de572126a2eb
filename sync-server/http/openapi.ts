import { z } from 'zod';
import { errorBodySchema, ROUTES, type Route } from '../protocol/api.ts';

/** The OpenAPI 3.1 description of every route, from the schemas that validate it. */
export function describeApi(version: string): unknown {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, route] of Object.entries<Route>(ROUTES)) {
    const path = paths[route.path] ?? {};
    paths[route.path] = path;
    path[route.method.toLowerCase()] = describeRoute(name, route);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Daena', version, description: 'The HTTP API of a Daena office. Times are ISO 8601 UTC.' },
    paths,
    components: {
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'A key from Settings, or from `npm run token`' },
        session: { type: 'apiKey', in: 'cookie', name: 'daena.session_token' },
      },
    },
  };
}

function describeRoute(operationId: string, route: Route): unknown {
  const error = { description: 'Refused', content: json(errorBodySchema, 'output') };
  return {
    operationId,
    summary: route.summary,
    security: route.access === 'anyone' ? [] : [{ apiKey: [] }, { session: [] }],
    parameters: [...describeParameters(route.params, 'path'), ...describeParameters(route.query, 'query')],
    ...(route.body && { requestBody: { required: true, content: json(route.body, 'input') } }),
    responses: {
      [route.status ?? 200]: { description: 'As asked', content: json(route.response, 'output') },
      '4XX': error,
      '5XX': error,
    },
  };
}

function describeParameters(schema: z.ZodObject | undefined, place: 'path' | 'query'): unknown[] {
  return Object.entries(schema?.shape ?? {}).map(([name, field]) => ({
    name,
    in: place,
    required: place === 'path' || !z.safeParse(field, undefined).success,
    schema: toSchema(field, 'input'),
  }));
}

const json = (schema: z.ZodType, io: 'input' | 'output'): unknown => ({
  'application/json': { schema: toSchema(schema, io) },
});

function toSchema(schema: z.core.$ZodType, io: 'input' | 'output'): unknown {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
