using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace Tracing.Sdk.AspNetCore;

/// <summary>The developer exception page swallows the exception and leaves no trace of it, as UseExceptionHandler does: so it is left here.</summary>
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
