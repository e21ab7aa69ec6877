using Microsoft.AspNetCore.Http;
using Tracing.Sdk.Recording;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>What <see cref="IgnoreOptions"/> has in a web service.</summary>
public static class IgnoreOptionsExtensions
{
    extension(IgnoreOptions options)
    {
        /// <summary>Tells of a request whether it is ignored, before any other code of the application runs: no endpoint and no user are known. A function that throws ignores nothing. Code only.</summary>
        /// <value>Default: none.</value>
        public Func<HttpContext, bool>? Request
        {
            get => (Func<HttpContext, bool>?)options.RequestFilter;
            set => options.RequestFilter = value;
        }
    }
}
