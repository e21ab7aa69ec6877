using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Tracing.Sdk.Recording;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>The options of <see cref="EnrichOptions"/> that concern requests of a web service.</summary>
public static class EnrichOptionsExtensions
{
    extension(EnrichOptions enrich)
    {
        /// <summary>Adds to the span of a request when it has begun, before the application's middleware runs. The endpoint is not known yet. An endpoint that restarts the
        /// trace begins a second span, which is passed too. Code only.</summary>
        /// <value>Default: none.</value>
        public Action<Activity, HttpContext>? RequestStart
        {
            get => (Action<Activity, HttpContext>?)enrich.RequestStartFunction;
            set => enrich.RequestStartFunction = value;
        }

        /// <summary>Adds to the span of a request when it ends: the endpoint, the response and the exception are known, whether the exception was handled or not. Code only.</summary>
        /// <value>Default: none.</value>
        /// <remarks>The server replaces the status of the response after an unhandled exception, so it is not in the response yet.</remarks>
        public Action<Activity, HttpContext, Exception?>? RequestEnd
        {
            get => (Action<Activity, HttpContext, Exception?>?)enrich.RequestEndFunction;
            set => enrich.RequestEndFunction = value;
        }
    }
}
