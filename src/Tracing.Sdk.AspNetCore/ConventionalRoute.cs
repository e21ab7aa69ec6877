using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Tracing.Sdk.AspNetCore;

// {controller=Home}/{action=Index}/{id?}   ->   Orders/Details/{id?}
/// <summary>The route of an endpoint that a convention of MVC has made: each action has its own, and all of them have the template of the convention. The parameters whose
/// values the action fixes are replaced by these values; the others stay as they are written.</summary>
/// <remarks>
/// https://opentelemetry.io/docs/specs/semconv/registry/attributes/http/ counts {controller} and {action} among the static segments, and ASP.NET Core 11 writes the same route.
/// A template: https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-templates. A brace inside of a constraint is doubled.
/// </remarks>
internal static class ConventionalRoute
{
    /// <param name="template">The template.</param>
    /// <param name="fixedValues">The values of parameters that are the same for all requests of the endpoint.</param>
    public static string Resolve(string template, IReadOnlyDictionary<string, object?> fixedValues)
    {
        if (fixedValues.Count == 0 || !template.Contains('{')) return template;
        var route = new StringBuilder(template.Length);
        var rest = template.AsSpan();
        while (rest.IndexOf('{') is >= 0 and var start)
        {
            route.Append(rest[..start]);
            rest = rest[start..];
            var parameter = rest[..FindEnd(rest)];
            if (FindValue(parameter, fixedValues) is { } value) route.Append(value);
            else route.Append(parameter);
            rest = rest[parameter.Length..];
        }

        return route.Append(rest).ToString();
    }

    // Behind the closing brace of the parameter at the beginning. Two opening braces are a literal one.
    private static int FindEnd(ReadOnlySpan<char> text)
    {
        if (text is ['{', '{', ..]) return 2;
        for (var i = 1; i < text.Length; i++)
        {
            if (text[i] != '}') continue;
            if (i + 1 == text.Length || text[i + 1] != '}') return i + 1;
            i++;
        }

        return text.Length;
    }

    private static string? FindValue(ReadOnlySpan<char> parameter, IReadOnlyDictionary<string, object?> fixedValues)
    {
        var name = parameter[1..].TrimStart('*');
        if (name.IndexOfAny(":=?}") is >= 0 and var end) name = name[..end];
        // Conventions with an area leave it open for actions outside of areas.
        return fixedValues.TryGetValue(name.ToString(), out var value) && value != RoutePattern.RequiredValueAny && Convert.ToString(value, CultureInfo.InvariantCulture) is { Length: > 0 } text
            ? text
            : null;
    }
}
