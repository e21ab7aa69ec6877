using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Logging;

namespace Tracing.Sdk.Recording;

/// <summary>Reports exceptions of the application's functions (predicates, hooks), each function once. The request, the call and the span go on.</summary>
/// <remarks>Any thread. The caller catches, so that no function needs a delegate around it.</remarks>
internal sealed class UserCode(ILogger logger)
{
    private readonly ConcurrentDictionary<string, bool> _reported = new(StringComparer.Ordinal);

    /// <param name="function">The option that holds the function, such as <c>Enrich:CallEnd</c>.</param>
    /// <param name="exception">What it threw.</param>
    public void Threw(string function, Exception exception)
    {
        if (_reported.TryAdd(function, true)) Log.UserCodeThrew(logger, function, ExceptionText.StackTrace(exception));
    }
}
