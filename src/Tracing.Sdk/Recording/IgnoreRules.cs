using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Recording;

/// <summary>Which requests, calls and roots are ignored. Immutable.</summary>
internal sealed class IgnoreRules(IgnoreOptions options)
{
    private const string GrpcHealth = "/grpc.health.v1.Health/";

    private readonly WildcardPattern[] _paths = [.. options.Paths.Select(p => new WildcardPattern(p))];
    private readonly CallPattern[] _calls = [.. options.Calls.Select(c => new CallPattern(c))];
    private readonly string[] _rootSources = [.. options.RootSources];
    private readonly bool _backgroundPolls = options.BackgroundPolls;
    private readonly Func<HttpRequestMessage, bool>? _call = options.Call;

    /// <summary>Whether endpoints of health checks are ignored.</summary>
    public bool HealthChecks { get; } = options.HealthChecks;

    /// <summary>The application's predicate for requests, in the web half's type; null for none.</summary>
    public Delegate? RequestFilter { get; } = options.RequestFilter;

    /// <summary>Whether any call may be ignored.</summary>
    public bool HasCalls => _calls.Length > 0 || _call is not null;

    /// <summary>Why a path is ignored; null when it is not.</summary>
    /// <param name="path">The path with its base, decoded.</param>
    public DecisionReason? FindPath(string path)
    {
        if (HealthChecks && IsHealthCheck(path)) return DecisionReason.HealthCheck;
        foreach (var pattern in _paths)
        {
            if (pattern.Matches(path)) return DecisionReason.Ignored;
        }

        return null;
    }

    /// <summary>Why a call is ignored; null when it is not.</summary>
    /// <param name="request">The call.</param>
    /// <param name="userCode">Gets what the application's predicate throws.</param>
    public DecisionReason? FindCall(HttpRequestMessage request, UserCode userCode)
    {
        if (request.RequestUri is { IsAbsoluteUri: true } uri)
        {
            foreach (var pattern in _calls)
            {
                if (pattern.Matches(uri)) return DecisionReason.Ignored;
            }
        }

        try
        {
            return _call?.Invoke(request) == true ? DecisionReason.IgnoredByCode : null;
        }
        catch (Exception e)
        {
            userCode.Threw("Ignore:Call", e);
            return null;
        }
    }

    /// <summary>Why a root is ignored; null when it is not.</summary>
    /// <param name="source">The name of its source.</param>
    /// <param name="name">Its name when it starts.</param>
    public DecisionReason? FindRoot(string source, string name) =>
        _rootSources.Length > 0 && NamePatterns.Match(_rootSources, SourceNames.PlatformsNameOf(source)) ? DecisionReason.IgnoredSource
        : IsPoll(source, name) ? DecisionReason.BackgroundPoll
        : null;

    /// <summary>Whether a span is a library's poll, unless polls are recorded.</summary>
    /// <param name="source">The name of its source.</param>
    /// <param name="name">Its name when it starts.</param>
    public bool IsPoll(string source, string name) => _backgroundPolls && BackgroundPolls.Contain(source, name);

    /// <summary>Whether a root has no span, and what it starts begins traces.</summary>
    /// <param name="source">The name of its source.</param>
    /// <param name="name">Its name when it starts.</param>
    public bool IsRound(string source, string name) => _backgroundPolls && BackgroundPolls.IsRound(source, name);

    private static bool IsHealthCheck(string path) => path.Length switch
    {
        6 => path.Equals("/livez", StringComparison.OrdinalIgnoreCase),
        7 => path.Equals("/readyz", StringComparison.OrdinalIgnoreCase),
        8 => path.Equals("/healthz", StringComparison.OrdinalIgnoreCase),
        > 23 => path.StartsWith(GrpcHealth, StringComparison.Ordinal),
        _ => false,
    };
}
