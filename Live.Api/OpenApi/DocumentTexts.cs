namespace Live.Api.OpenApi;

/// <summary>The document's frame.</summary>
internal static class DocumentTexts
{
    public const string Frame = """
        {
          "openapi": "3.1.1",
          "info": {
            "title": "VideoPlatform: live streams",
            "version": "1.0.0",
            "description": "Provisioning of live streams. Errors are a message and the issues that led to it. In Production requests carry `Authorization: Bearer TOKEN` or `X-API-Key`; what another account owns does not exist (404). Events go to the exchange `stream.events` in the envelope of `x-events`, at least once, each with one `message_id`."
          },
          "servers": [{ "url": "http://127.0.0.1:8080", "description": "The gateway of ./run" }],
          "tags": [
            { "name": "Streams", "description": "Live streams and their provisioning." },
            { "name": "Health", "description": "How the service does." }
          ],
          "components": {
            "securitySchemes": {
              "api_key": { "type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An account's API key." },
              "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "The token of a login." }
            }
          }
        }
        """;
}
