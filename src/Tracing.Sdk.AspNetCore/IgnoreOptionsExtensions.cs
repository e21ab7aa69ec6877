using Microsoft.AspNetCore.Http;
using Tracing.Sdk.Recording;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>The options of <see cref="IgnoreOptions"/> that concern requests of a web service.</summary>
public static class IgnoreOptionsExtensions
{
    extension(IgnoreOptions ignore)
    {
        /// <summary>Returns true for a request that is ignored. It runs before any other code of the application, when neither the endpoint nor the user is known. If it throws, the request is not ignored. Code only.</summary>
        /// <value>Default: none.</value>
        public Func<HttpContext, bool>? Request
        {
            get => (Func<HttpContext, bool>?)ignore.RequestFilter;
            set => ignore.RequestFilter = value;
        }
    }
}
