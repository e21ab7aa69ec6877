using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace Tracing.Sdk.AspNetCore;

/// <summary>Sets the feature that holds a handled exception, which UseExceptionHandler sets and the developer exception page does not.</summary>
internal sealed class DeveloperPageExceptionFilter : IDeveloperPageExceptionFilter
{
    public Task HandleExceptionAsync(ErrorContext errorContext, Func<ErrorContext, Task> next)
    {
        var context = errorContext.HttpContext;
        if (context.Features.Get<IExceptionHandlerFeature>() is null)
        {
            context.Features.Set<IExceptionHandlerFeature>(new ExceptionHandlerFeature
            {
                Error = errorContext.Exception,
                Path = context.Request.Path.Value ?? "",
                Endpoint = context.GetEndpoint(),
            });
        }

        return next(errorContext);
    }
}
