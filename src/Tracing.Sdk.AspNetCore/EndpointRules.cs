using Microsoft.AspNetCore.Http;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.AspNetCore;

/// <summary>Why requests to an endpoint are ignored.</summary>
internal static class EndpointRules
{
    private const string HealthCheckMiddleware = "Microsoft.AspNetCore.Diagnostics.HealthChecks.HealthCheckMiddleware";
    private const string HealthCheckName = "Health checks";

    private static volatile bool _exist;

    /// <summary>Whether an endpoint of this process may decide about its requests. While it is false, requests look at nothing.</summary>
    public static bool MayExist
    {
        get => _exist || DisableTracingAttribute.IsUsed;
        set => _exist = value;
    }

    /// <summary>Why requests to the endpoint are ignored; null when they are not.</summary>
    public static DecisionReason? Find(Endpoint endpoint)
    {
        try
        {
            if (endpoint.Metadata.GetMetadata<DisableTracingAttribute>() is not null) return DecisionReason.Ignored;
            // By name, because the type's assembly need not be loaded. The display name remains when the delegate is wrapped, and the delegate when the name is changed.
            var target = endpoint.RequestDelegate?.Target?.GetType().FullName;
            return target == HealthCheckMiddleware || endpoint.DisplayName == HealthCheckName ? DecisionReason.HealthCheck : null;
        }
        catch (Exception)
        {
            // Metadata is code of the application.
            return null;
        }
    }
}
