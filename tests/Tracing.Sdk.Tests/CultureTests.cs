using System.Globalization;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests;

/// <summary>A run in a culture is one: it must not pass because the culture was never in force.</summary>
public sealed class CultureTests
{
    [Fact]
    public async Task Culture_ThatTheRunAsksFor_IsInForceOnEveryThread()
    {
        var expected = TestCulture.Name ?? CultureInfo.InvariantCulture.Name;
        string? onAnother = null;
        var thread = new Thread(() => onAnother = CultureInfo.CurrentCulture.Name);
        thread.Start();
        thread.Join();

        Assert.Equal(
            (expected, expected, expected),
            (CultureInfo.CurrentCulture.Name, onAnother, await Task.Run(() => CultureInfo.CurrentCulture.Name)));
    }

    // What differs in them: the decimal comma, the dotless i, signs and the calendar.
    [Fact]
    public void Culture_ThatTheRunAsksFor_HasItsOwnRules()
    {
        var date = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        var (number, upper, sign, year) = (1.5.ToString(CultureInfo.CurrentCulture), "i".ToUpper(CultureInfo.CurrentCulture), (-1).ToString(CultureInfo.CurrentCulture), date.ToString("yyyy", CultureInfo.CurrentCulture));

        switch (TestCulture.Name)
        {
            case "de-DE":
                Assert.Equal("1,5", number);
                break;
            case "tr-TR":
                Assert.Equal("\u0130", upper);
                break;
            case "ar-SA":
                Assert.NotEqual("-1", sign);
                Assert.Equal("1447", year);
                break;
            case "th-TH":
                Assert.Equal("2569", year);
                break;
            default:
                Assert.Equal(("1.5", "I", "-1", "2026"), (number, upper, sign, year));
                break;
        }
    }
}
