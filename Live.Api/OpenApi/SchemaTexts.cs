using Live.Api.Streams;

namespace Live.Api.OpenApi;

/// <summary>The schemas: of the two requests the seed's own, with the bounds that are ours.</summary>
internal static class SchemaTexts
{
    private const string Id = """{"type":"string","pattern":"^[a-zA-Z0-9-]{3,64}$","description":"Never in the form of a UUID: videos have those."}""";

    private const string Time = """{"type":"string","format":"date-time"}""";

    private const string Endpoint = """
        {"type":"object","required":["protocol","url"],"additionalProperties":false,
         "properties":{"protocol":{"type":"string","enum":["rtmp","rtmps","srt"]},
                       "url":{"type":"string","format":"uri","maxLength":2048,"description":"The platform's own ingest at /live/{streamId}, or an allowed host."},
                       "backupUrl":{"type":"string","format":"uri","maxLength":2048}}}
        """;

    private const string Status = """{"type":"string","enum":["PROVISIONING","READY","LIVE","FAILED","COMPLETE"]}""";

    private static readonly string _metadata = $$"""{"type":"object","maxProperties":{{StreamMetadata.MostEntries}},"additionalProperties":{"type":"string","maxLength":{{StreamMetadata.LongestValue}} } }""";

    public static string All { get; } = $$"""
        {
          "CreateStreamWorkflow": {"type":"object","required":["streamId","title","startTime","ingestEndpoints"],"additionalProperties":false,
            "properties":{"streamId":{{Id}},"title":{"type":"string","minLength":1,"maxLength":{{StreamRequestReader.LongestTitle}} },"startTime":{{Time}},
              "ingestEndpoints":{"type":"array","minItems":1,"maxItems":{{StreamRequestReader.MostEndpoints}},"items":{{Endpoint}} },"metadata":{{_metadata}} } },
          "UpdateStreamStatus": {"type":"object","required":["streamId","status"],"additionalProperties":false,
            "properties":{"streamId":{{Id}},"status":{{Status}},"reason":{"type":"string","maxLength":{{StreamUpdateReader.LongestReason}} } } },
          "StreamAccepted": {"type":"object","required":["streamId","detailType","stateMachineArn","acceptedAt"],"additionalProperties":false,
            "properties":{"streamId":{"type":"string"},"detailType":{"type":"string"},"stateMachineArn":{"type":"string"},"acceptedAt":{{Time}} } },
          "StreamUpdated": {"type":"object","required":["streamId","status","detailType","updatedAt"],"additionalProperties":false,
            "properties":{"streamId":{"type":"string"},"status":{{Status}},"detailType":{"type":"string"},"updatedAt":{{Time}},"reason":{"type":"string"} } },
          "WorkflowStep": {"type":"object","required":["state","enteredAt","seconds","attempts"],
            "properties":{"state":{"type":"string"},"enteredAt":{{Time}},"leftAt":{{Time}},"seconds":{"type":"number"},"attempts":{"type":"integer"},
              "outcome":{"type":"string","description":"Success, Failure, Ready, Failed or Timeout; absent while it is in it."},"reason":{"type":"string"} } },
          "Stream": {"type":"object","required":["streamId","title","status","startTime","acceptedAt","updatedAt","ingest","videoId","workflow"],
            "properties":{"streamId":{"type":"string"},"title":{"type":"string"},"status":{{Status}},"reason":{"type":"string"},"startTime":{{Time}},"acceptedAt":{{Time}},"updatedAt":{{Time}},
              "readyAt":{{Time}},"liveAt":{{Time}},"endedAt":{{Time}},"metadata":{"type":"object","additionalProperties":{"type":"string"} },
              "ingest":{"type":"object","required":["endpoints"],"properties":{"endpoints":{"type":"array","items":{{Endpoint}} },
                "pushUrl":{"type":"string","description":"Where the broadcaster pushes to, with the stream's key. Only its owner is told."},
                "error":{"type":"string","description":"Why the last input was not taken; absent where it was, or none has come."} } },
              "playbackUrl":{"type":"string","description":"Absent until the workflow has configured it."},
              "videoId":{"type":"string","format":"uuid","description":"The video that the recording becomes."},"recordingError":{"type":"string"},
              "workflow":{"type":"object","required":["name","state","enteredAt","attempt"],
                "properties":{"name":{"type":"string"},"state":{"type":"string"},"enteredAt":{{Time}},"attempt":{"type":"integer"},"error":{"type":"string"},
                  "steps":{"type":"array","items":{"$ref":"#/components/schemas/WorkflowStep"},"description":"Absent in lists."} } } } },
          "Streams": {"type":"object","required":["streams"],
            "properties":{"streams":{"type":"array","items":{"$ref":"#/components/schemas/Stream"} },"next":{"type":"string","description":"Send it as after for the next page; absent on the last."} } },
          "Health": {"type":"object","required":["status","services"],
            "properties":{"status":{"type":"string","enum":["ok","down"]},"services":{"type":"array","items":{"type":"object","required":["name","state"],
              "properties":{"name":{"type":"string"},"state":{"type":"string","enum":["ok","degraded","down"]},"observedAt":{{Time}} } } } } },
          "Error": {"type":"object","required":["message"],"properties":{"message":{"type":"string"},"issues":{"type":"array","items":{"type":"string"} } } },
          "StreamProvisionRequested": {"type":"object","required":["streamId","ingestEndpoints","title","startTime"],
            "properties":{"streamId":{"type":"string"},"ingestEndpoints":{"type":"array","items":{{Endpoint}} },"title":{"type":"string"},"startTime":{{Time}},
              "metadata":{"type":"object","additionalProperties":{"type":"string"},"description":"Without the entitlement, which is a secret."} } },
          "StreamLifecycleProgressed": {"type":"object","required":["streamId","status"],
            "properties":{"streamId":{"type":"string"},"status":{{Status}},"reason":{"type":"string"},"occurredAt":{{Time}} } }
        }
        """;
}
