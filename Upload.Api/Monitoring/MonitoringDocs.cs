using Upload.Api.OpenApi;
using static Upload.Api.OpenApi.BodyDoc;

namespace Upload.Api.Monitoring;

internal static class MonitoringDocs
{
    private static readonly OperationDoc _health = new("GET", "/health", "getHealth", "Whether the platform works, part by part", new(200, "It does.", Health("ok", "ok")))
    { Access = Access.Open, Also = [new(503, "A needed part is down, or nothing has been looked at yet.", Health("down", "down"))] };

    public static FeatureDoc Feature { get; } = new("Monitoring", "How the platform does.",
    [
        new("GET", "/api/v1/metrics", "getMetrics", "The figures of queue, jobs and workers", new(200, "The figures; averages are those of the last 24 h.", Json<MetricsBody>("""
            {"queue_depth":45,"dlq_depth":3,"active_jobs":10,"total_jobs":1250,"completed_jobs":1180,"failed_jobs":25,"cancelled_jobs":0,"average_wait_time_seconds":125.5,
             "average_process_time_seconds":450.2,"worker_count":4,"healthy_workers":4,"last_updated":"2025-01-17T10:45:00Z"}
            """))),
        new("GET", "/api/v1/workers/health", "getWorkers", "The workers", new(200, "The workers; the job only where it is one of the caller's.", Json<WorkersBody>($$"""
            {"workers":[{"worker_id":"worker-1","status":"healthy","last_heartbeat":"2025-01-17T10:44:50Z","current_job":"{{Example.Job}}","processed_jobs":125}]}
            """))),
        new("GET", "/api/v1/system/health", "getSystemHealth", "Whether something needs somebody's attention", new(200, "healthy, warning or critical, and why.", Json<SystemHealthBody>("""
            {"status":"warning","alerts":[{"severity":"warning","code":"queue-depth","message":"145 jobs are queued.","value":145,"threshold":100}]}
            """))),
        new("GET", "/api/v1/queue/stats", "getQueue", "The depth of queue and dead letter queue", new(200, "The depths.", Json<QueueBody>("""{"queue_depth":45,"dlq_depth":3}"""))),
        _health, _health.Head(),
        new("GET", "/api/v1/openapi.json", "getDocument", "This document", new(200, "OpenAPI 3.1.", new("application/json", typeof(System.Text.Json.JsonElement), """{"openapi":"3.1.1"}"""))) { Access = Access.Open },
    ]);

    private static BodyDoc Health(string status, string database) => Json<HealthBody>($$"""
        {"status":"{{status}}","services":[{"name":"videodb","state":"{{database}}","observedAt":"2025-01-17T10:45:00Z"},{"name":"processing-worker","state":"ok","observedAt":"2025-01-17T10:45:00Z"}]}
        """);
}
