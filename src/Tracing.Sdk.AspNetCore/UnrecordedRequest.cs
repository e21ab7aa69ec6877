using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.AspNetCore;

/// <summary>The endpoint feature of a request that is not recorded, where an endpoint may ignore it. A recorded request has its <see cref="ServerSpan"/>.</summary>
internal sealed class UnrecordedRequest : IEndpointFeature
{
    private readonly HttpContext _context;
    private readonly Activity? _activity;
    private Endpoint? _endpoint;

    public UnrecordedRequest(HttpContext context, Activity? activity, SamplingDecision? decision)
    {
        (_context, _activity, Decision) = (context, activity, decision);
        _endpoint = context.Features.Get<IEndpointFeature>()?.Endpoint;
        context.Features.Set<IEndpointFeature>(this);
    }

    /// <summary>What was decided about the request.</summary>
    public SamplingDecision? Decision { get; set; }

    public Endpoint? Endpoint
    {
        get => _endpoint;
        set
        {
            _endpoint = value;
            if (value is not null && !ServerSpan.IsRunAgain(_context)) Decision = RequestRules.DecideAtEndpoint(_context, value, _activity, Decision, mayRecord: false);
        }
    }
}
