namespace Tracing.Sdk.Http;

/// <summary>Names of methods and versions as the HTTP conventions spell them.</summary>
internal static class HttpMethods
{
    public const string Other = "_OTHER";

    // Names are case-sensitive: "get" is not GET but an unknown method.
    public static string NameOf(string method) => method switch
    {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "PATCH" => "PATCH",
        "OPTIONS" => "OPTIONS",
        "TRACE" => "TRACE",
        "CONNECT" => "CONNECT",
        "QUERY" => "QUERY",
        _ => Other,
    };

    public static string VersionOf(Version version) => (version.Major, version.Minor) switch
    {
        (1, 1) => "1.1",
        (2, _) => "2",
        (3, _) => "3",
        (1, 0) => "1.0",
        _ => version.ToString(),
    };
}
