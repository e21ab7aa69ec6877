using System.Collections;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.Configuration;
using Tracing.Sdk.Logging;

namespace Tracing.Sdk.Configuration;

/// <summary>One option as a layer sees it: a name, text that becomes its value, a value that becomes text. All of it follows from the property's type and attributes.</summary>
internal sealed class Setting
{
    private readonly PropertyInfo _property;
    private readonly Func<MeshTracingOptions, object> _owner;
    private readonly ExpectedAttribute? _rule;
    // Whether the option may have no value.
    private readonly bool _isOptional;

    /// <param name="name">Path in the section, such as <c>Export:Otlp:Endpoint</c>.</param>
    /// <param name="property">The property of an options class.</param>
    /// <param name="owner">The options object that has the property.</param>
    /// <param name="use">What reads the setting.</param>
    public Setting(string name, PropertyInfo property, Func<MeshTracingOptions, object> owner, SettingUse use)
    {
        (Name, _property, _owner, Use) = (name, property, owner, use);
        Type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        Variables = [.. property.GetCustomAttributes<VariableAttribute>()];
        Range = property.GetCustomAttribute<RangeAttribute>();
        _rule = property.GetCustomAttribute<ExpectedAttribute>();
        var standard = new MeshTracingOptions();
        _isOptional = Get(standard) is null;
        var example = property.GetCustomAttribute<ExampleAttribute>()?.Text ?? Text(standard);
        Expected = _rule?.Expected ?? SettingText.Expected(Type, Range) + (IsPairs || Type == typeof(bool) || Type.IsEnum ? "" : $", such as {example}");
    }

    public string Name { get; }
    public Type Type { get; }
    public IReadOnlyList<VariableAttribute> Variables { get; }

    /// <summary>What a value must be: the end of the sentence that reports a wrong one.</summary>
    public string Expected { get; }
    public RangeAttribute? Range { get; }

    /// <summary>What reads the setting. A variable that nothing reads is not judged.</summary>
    public SettingUse Use { get; }
    public bool IsList => Type.IsGenericType && !IsPairs;

    /// <summary>Whether a reload changes the value in force.</summary>
    public bool IsReloadable => _property.IsDefined(typeof(ReloadableAttribute), inherit: false);

    /// <summary>Whether a layer adds to the value of the layers below, instead of replacing it.</summary>
    public bool IsPairs => Type == typeof(IDictionary<string, string>);

    /// <summary>The items that a list may have; null when it may have any.</summary>
    public ItemsAttribute? Items => _rule as ItemsAttribute;

    /// <summary>Reads a value from text.</summary>
    /// <exception cref="FormatException">The text is no value.</exception>
    public object Parse(string text) => _rule is PemFileAttribute && !File.Exists(text) ? throw new FormatException() : SettingText.Parse(Type, Word(text));

    /// <summary>Reads a value from a section: text, or the items of an array or an object.</summary>
    /// <exception cref="FormatException">The section holds no value.</exception>
    public object Parse(IConfigurationSection section, bool isText) => isText ? Parse(section.Value!.Trim())
        : section.GetChildren().Any(c => c.GetChildren().Any()) ? throw new FormatException("an object or a list stands where a text is expected")
        : IsList ? SettingText.ParseItems(Type, section.GetChildren().Select(c => c.Value))
        : IsPairs ? section.GetChildren().SelectMany(c => int.TryParse(c.Key, out _) ? SettingText.ParsePairs(c.Value ?? "") : [new(c.Key, c.Value ?? "")]).ToList()
        : throw new FormatException();

    public void Set(MeshTracingOptions options, object value)
    {
        var owner = _owner(options);
        switch (_property.GetValue(owner))
        {
            case IList list:
                list.Clear();
                foreach (var item in (IEnumerable)value) list.Add(item);
                break;
            case IDictionary<string, string> pairs:
                foreach (var (key, item) in (IEnumerable<KeyValuePair<string, string>>)value) pairs[key] = item;
                break;
            default:
                _property.SetValue(owner, value);
                break;
        }
    }

    /// <summary>The value in force, in full.</summary>
    public string Text(MeshTracingOptions options) => SettingText.Format(Get(options));

    /// <summary>The value in force, as text for people; never a secret.</summary>
    public string Read(MeshTracingOptions options) => (Get(options) ?? Settings.Derive(Name, options)) switch
    {
        Uri uri => LogText.Url(uri),
        IDictionary<string, string> headers when _rule is SecretHeadersAttribute => string.Join(',', headers.Select(SecretHeadersAttribute.ShownKey)),
        IDictionary<string, string> pairs => string.Join(',', pairs.Select(p => LogText.Pair(p.Key, p.Value))),
        var value => SettingText.Format(value),
    };

    /// <summary>A wrong value in force, as text for people.</summary>
    public string ShowWrong(MeshTracingOptions options) =>
        _rule is SecretHeadersAttribute ? LogText.Hidden : IsPairs ? LogText.Line(Read(options)) : Show(Read(options));

    /// <summary>Text that was given for the setting, right or wrong, without what may be secret in it.</summary>
    public string Show(string text) => _rule switch
    {
        SecretHeadersAttribute => LogText.Hidden,
        PemFileAttribute => LogText.File(text),
        _ => IsPairs ? LogText.Pairs(text) : LogText.Value(text),
    };

    /// <summary>Whether tracing can start with the value in force.</summary>
    public bool IsValid(MeshTracingOptions options)
    {
        var value = Get(options);
        if (value is null && _isOptional) return true;
        if (!SettingText.IsValid(Type, value) && !(_rule is TimeOrZeroAttribute && value is TimeSpan time && time == TimeSpan.Zero)) return false;
        if (Range is not null && !(Number(value) >= Number(Range.Minimum) && Number(value) <= Number(Range.Maximum))) return false;
        return _rule?.Allows(value, options) ?? true;
    }

    // The words of the standard variables, such as http/protobuf, are right in the section too: warnings and people use them. Not those of OTEL_SDK_DISABLED, whose true
    // and false say nothing of a mode.
    private string Word(string text) => Variables.SelectMany(v => v.Words)
        .FirstOrDefault(w => w.Word.Equals(text, StringComparison.OrdinalIgnoreCase) && !bool.TryParse(w.Word, out _)).Value ?? text;

    private static double Number(object? value) => Convert.ToDouble(value, CultureInfo.InvariantCulture);
    private object? Get(MeshTracingOptions options) => _property.GetValue(_owner(options));
}

/// <summary>What reads a setting.</summary>
internal enum SettingUse { Recording, Export, Otlp, Zipkin }
