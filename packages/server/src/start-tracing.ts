import type { HttpLogEntry } from "@bulkhead/front-http";

export interface TracingOptions {
  /** Where spans go: an OTLP endpoint over HTTP, such as `http://localhost:4318/v1/traces`. */
  readonly endpoint: string;
  /** Of traces that begin here, 0 to 1; one that a caller began is recorded if the caller records it. */
  readonly sampleRatio: number;
  readonly serviceName: string;
  readonly version: string;
}

export interface Tracing {
  /** Records a request that was answered as a span of whatever trace its caller named (W3C Trace Context). */
  readonly observe: (entry: HttpLogEntry) => void;
  /** Sends what is left, and ends. */
  readonly close: () => Promise<void>;
}

/** Begins to send traces. What it is made of is loaded only here. */
export const startTracing = async (options: TracingOptions): Promise<Tracing> => {
  const { ROOT_CONTEXT, SpanKind, SpanStatusCode, defaultTextMapGetter } =
    await import("@opentelemetry/api");
  const { W3CTraceContextPropagator } = await import("@opentelemetry/core");
  const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-http");
  const { resourceFromAttributes } = await import("@opentelemetry/resources");
  const { BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } =
    await import("@opentelemetry/sdk-trace");
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      "service.name": options.serviceName,
      "service.version": options.version,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.sampleRatio) }),
    spanProcessors: [
      new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: options.endpoint }) }),
    ],
  });
  const tracer = provider.getTracer("bulkhead", options.version);
  const propagator = new W3CTraceContextPropagator();
  return {
    observe: ({ requestId, method, route, status, ms, trace = {} }) => {
      const ended = Date.now();
      const span = tracer.startSpan(
        `${method} ${route}`,
        {
          kind: SpanKind.SERVER,
          startTime: ended - ms,
          // A route and never a target: paths are the tenants' own.
          attributes: {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
            "bulkhead.request_id": requestId,
          },
        },
        propagator.extract(ROOT_CONTEXT, trace, defaultTextMapGetter),
      );
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end(ended);
    },
    close: () => provider.shutdown(),
  };
};
