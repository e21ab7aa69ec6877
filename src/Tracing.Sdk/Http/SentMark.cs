namespace Tracing.Sdk.Http;

/// <summary>Marks a request whose headers have been written, so that a second sending of the same message (a redirect, a retry) is recognised.</summary>
/// <remarks>The headers do not show it: before SocketsHttpHandler follows a redirect it removes the fields of the propagator from the message, those that user code set
/// included. An entry in <see cref="HttpRequestMessage.Options"/> would show it, but costs a dictionary for each call. So the mark is the
/// <see cref="HttpRequestMessage.Version"/>: it is replaced by an equal object that only this class holds, and compared by reference. Handlers read the version and keep
/// it over redirects, and the mark allocates nothing. A version that is not listed here cannot be marked; such a request gets a <see cref="RequestNote"/>
/// instead.</remarks>
internal static class SentMark
{
    private static readonly Version[] Versions = [new(1, 1), new(2, 0), new(3, 0), new(1, 0)];

    public static bool IsSet(HttpRequestMessage request) => Find(request.Version) is { } marked && ReferenceEquals(marked, request.Version);

    public static bool TrySet(HttpRequestMessage request)
    {
        if (Find(request.Version) is not { } marked) return false;
        request.Version = marked;
        return true;
    }

    private static Version? Find(Version version)
    {
        foreach (var marked in Versions)
        {
            if (marked.Equals(version)) return marked;
        }

        return null;
    }
}
