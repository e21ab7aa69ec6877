using FsCheck.Xunit;
using Tracing.Sdk.Export.Buffer;

namespace Tracing.Sdk.Tests.Export.Buffer;

/// <summary>A batch is filled as span by span, whether it takes blocks as a whole or looks into them.</summary>
public sealed class SpanBatchLaws
{
    private const int MaxScopes = 4;

    [Property(MaxTest = 500)]
    public void Add_AnyBlocks_IsAsSpanBySpan((byte Length, byte Scope)[] spans, byte blockSpans, ushort maxBytes, byte maxSpans, bool scopesCount)
    {
        var all = spans.Select(span => (Length: 1 + span.Length, Scope: span.Scope % MaxScopes)).ToArray();
        var first = Fill(all, 1 + (blockSpans % 8));
        var (limitBytes, limitSpans) = (1 + (maxBytes % 1500), 1 + (maxSpans % 12));
        var batch = new SpanBatch(limitSpans, limitBytes, scopesCount ? CostOf : null);

        var (block, next, taken) = (first, 0, 0);
        while (taken < all.Length)
        {
            batch.Clear();
            var from = next;
            for (var current = block; current is not null && batch.Add(current, from); current = current.Next) from = 0;

            var (count, bytes) = Expect(all.AsSpan(taken), limitSpans, limitBytes, scopesCount);
            Assert.Equal((count, bytes), (batch.Count, batch.Bytes));
            Assert.Equal(all.Skip(taken).Take(count).Select(span => span.Scope).Distinct().Order(), batch.Scopes);
            Assert.Equal(Bytes(all, taken, count), batch.Runs.ToArray().SelectMany(run => run.Bytes.ToArray()));
            Assert.Equal(all.Skip(taken).Take(count).Sum(span => span.Length), batch.Runs.ToArray().Sum(run => run.Length));
            taken += count;
            (block, next) = (batch.LastBlock!, batch.Next);
        }
    }

    private static int CostOf(int scope) => 1 + (scope * 37);

    private static (int Count, int Bytes) Expect(ReadOnlySpan<(int Length, int Scope)> spans, int maxSpans, int maxBytes, bool scopesCount)
    {
        var (count, bytes) = (0, 0);
        var scopes = new HashSet<int>();
        foreach (var (length, scope) in spans)
        {
            var cost = length + (scopesCount && !scopes.Contains(scope) ? CostOf(scope) : 0);
            if (count == maxSpans || (count > 0 && bytes + cost > maxBytes)) break;
            scopes.Add(scope);
            count++;
            bytes += cost;
        }

        return (count, bytes);
    }

    private static SpanBlock Fill((int Length, int Scope)[] spans, int blockSpans)
    {
        var first = new SpanBlock(new byte[4096], forErrors: false);
        var last = first;
        for (var i = 0; i < spans.Length; i++)
        {
            if (last.Count == blockSpans)
            {
                last.Next = new SpanBlock(new byte[4096], forErrors: false);
                last = last.Next;
            }

            Assert.True(last.TryAppend(Content(spans, i), spans[i].Scope));
        }

        return first;
    }

    private static byte[] Content((int Length, int Scope)[] spans, int index) => [.. Enumerable.Repeat((byte)index, spans[index].Length)];

    private static IEnumerable<byte> Bytes((int Length, int Scope)[] spans, int from, int count) => Enumerable.Range(from, count).SelectMany(i => Content(spans, i));
}
