using Lifecycle.Contracts;
using Upload.Api.OpenApi;
using static Upload.Api.OpenApi.BodyDoc;

namespace Upload.Api.Accounts;

internal static class AccountDocs
{
    private const string Credentials = """{"email":"user@example.com","password":"secure_password_123"}""";

    private const string User = $$"""
        {"id":"{{Example.User}}","email":"user@example.com","role":"user","tier":"default","created_at":"2025-01-17T09:50:00Z","quota":100,"used_quota":15,"quota_resets_at":"2025-01-18T00:00:00Z"}
        """;

    private const string ApiKey = $$"""{"id":"{{Example.Key}}","name":"render farm","shown":"vps_k3Jd","created_at":"2025-01-17T09:51:00Z","last_used_at":"2025-01-17T10:00:00Z"}""";

    private const string NewApiKey = $$"""
        {"id":"{{Example.Key}}","name":"render farm","shown":"vps_k3Jd","created_at":"2025-01-17T09:51:00Z","key":"vps_k3JdExampleExampleExampleExampleExampleExam"}
        """;

    private const string DefaultKey = "vpk.0194720e8c107b5e9d3a2f6b1c0e4a71.1.ExampleExampleExample";

    public static FeatureDoc Feature { get; } = new("Accounts", "Accounts, their logins and API keys; for admins, everybody's.",
    [
        new("POST", "/api/v1/auth/register", "register", "Make an account", new(201, "The account and its API key.",
            Json<RegisteredBody>($$"""{"id":"{{Example.User}}","email":"user@example.com","api_key":"{{DefaultKey}}"}""")))
        { Access = Access.Open, Request = Json<AccountRequest>(Credentials), Problems = [Problems.InvalidField, Problems.EmailTaken] },
        new("POST", "/api/v1/auth/login", "login", "Log in", new(200, "A token, for a day unless the server says otherwise.",
            Json<LoginBody>($$"""{"token":"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.example","user_id":"{{Example.User}}","email":"user@example.com","api_key":"{{DefaultKey}}","quota":100,"used_quota":15}""")))
        { Access = Access.Open, Request = Json<AccountRequest>(Credentials), Problems = [Problems.InvalidField, Problems.WrongLogin] },
        new("GET", "/api/v1/auth/me", "getMe", "The account of the credential, with its quota", new(200, "The account.", Json<UserBody>(User))),
        new("PUT", "/api/v1/auth/password", "changePassword", "Change the password; tokens and keys stay valid", new(204, "Changed."))
        {
            Request = Json<PasswordRequest>("""{"old_password":"secure_password_123","new_password":"another_password_456"}"""),
            Problems = [Problems.InvalidField, Problems.WrongLogin],
        },
        new("POST", "/api/v1/api-keys", "createApiKey", "Make a further API key", new(201, "The key; this answer alone shows it.", Json<ApiKeyBody>(NewApiKey)))
        { Request = Json<ApiKeyRequest>("""{"name":"render farm"}"""), Problems = [Problems.InvalidField, Problems.TooManyKeys] },
        new("GET", "/api/v1/api-keys", "listApiKeys", "The further API keys", new(200, "The keys by their beginnings.", Json<ApiKeysBody>($$"""{"api_keys":[{{ApiKey}}]}"""))),
        new("DELETE", "/api/v1/api-keys/{keyId}", "revokeApiKey", "Revoke an API key", new(204, "Revoked, on every replica.")) { Problems = [Problems.UnknownApiKey] },
        new("POST", "/api/v1/api-keys/default/rotate", "rotateDefaultApiKey", "Replace the account's own API key", new(200, "The new key; the old one is refused.",
            Json<DefaultApiKeyBody>($$"""{"api_key":"{{DefaultKey}}"}"""))),
        new("GET", "/api/v1/users", "listUsers", "All accounts", new(200, "A page of accounts.", Json<UsersBody>($$"""
            {"users":[{"id":"{{Example.User}}","email":"user@example.com","role":"user","tier":"default","daily_quota":500,"created_at":"2025-01-17T09:50:00Z"}],{{Example.Next}}}
            """))) { Access = Access.Admin, Parameters = Parameters.Paging, Problems = [Problems.InvalidField] },
        new("GET", "/api/v1/users/{userId}", "getUser", "An account, with its quota", new(200, "The account.", Json<UserBody>(User))) { Access = Access.Admin, Problems = [Problems.UnknownUser] },
        new("PATCH", "/api/v1/users/{userId}", "changeUser", "Change an account's role, tier or quota", new(200, "The account as it is now.", Json<UserBody>(User)))
        {
            Access = Access.Admin, Description = "What is absent stays. `daily_quota` is a number of videos, 0 for no quota, null for the default one.",
            Request = Json<UserChangeRequest>("""{"role":"user","tier":"default","daily_quota":500}"""), Problems = [Problems.InvalidField, Problems.UnknownUser],
        },
    ]);
}
