using System.Buffers;
using System.Text;

namespace Tracing.Sdk.Logging;

/// <summary>Reads the texts of an exception. Does not throw: an exception whose own code throws is described by its type.</summary>
/// <remarks>The user info of URLs is removed: the platform's own messages contain it, that of a proxy with its password.</remarks>
internal static class ExceptionText
{
    private const string Scheme = "://";

    private static readonly SearchValues<char> AuthorityEnds = SearchValues.Create("/?# \t\r\n\"'<>");

    public static string Message(Exception exception) => Read(exception, static e => e.Message);
    public static string StackTrace(Exception exception) => Read(exception, static e => e.ToString());

    private static string Read(Exception exception, Func<Exception, string> read)
    {
        try
        {
            return WithoutUserInfo(read(exception));
        }
        catch (Exception)
        {
            return exception.GetType().ToString();
        }
    }

    // scheme://user:password@host
    private static string WithoutUserInfo(string text)
    {
        var start = text.IndexOf(Scheme, StringComparison.Ordinal);
        if (start < 0 || text.IndexOf('@', start) < 0) return text;
        var safe = new StringBuilder(text.Length);
        var rest = text.AsSpan();
        while ((start = rest.IndexOf(Scheme, StringComparison.Ordinal)) >= 0)
        {
            start += Scheme.Length;
            safe.Append(rest[..start]);
            rest = rest[start..];
            var end = rest.IndexOfAny(AuthorityEnds);
            if ((end < 0 ? rest : rest[..end]).LastIndexOf('@') is not (>= 0 and var at)) continue;
            rest = rest[(at + 1)..];
        }

        return safe.Append(rest).ToString();
    }
}
