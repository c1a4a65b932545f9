using System.Reflection;
using System.Text;
using Aspire.Hosting;
using Xunit;

namespace LocalHosting.Tests.Model;

/// <summary>
/// LocalHosting must never offer what Aspire does not: its public surface is a text that a review sees change.
/// On purpose: copy the file that the failure names over LocalHosting/PublicApi.txt.
/// </summary>
public sealed class PublicApiTests
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    [Fact]
    public async Task The_public_surface_is_the_committed_one()
    {
        var actual = Describe(typeof(DistributedApplication).Assembly);
        var committed = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "PublicApi.txt"), TestContext.Current.CancellationToken);
        if (committed == actual)
            return;
        var received = Path.Combine(AppContext.BaseDirectory, "PublicApi.received.txt");
        await File.WriteAllTextAsync(received, actual, TestContext.Current.CancellationToken);
        var added = actual.Split('\n').Except(committed.Split('\n'), StringComparer.Ordinal).Select(l => "+ " + l);
        var removed = committed.Split('\n').Except(actual.Split('\n'), StringComparer.Ordinal).Select(l => "- " + l);
        Assert.Fail($"The public surface has changed; it is now {received}\n{string.Join('\n', removed.Concat(added))}");
    }

    private static string Describe(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (var type in assembly.GetExportedTypes().OrderBy(Name, StringComparer.Ordinal))
        {
            var bases = new[] { type.BaseType }.Where(b => b is not null && b != typeof(object) && b != typeof(Enum) && b != typeof(ValueType)).Concat(type.IsEnum ? [] : type.GetInterfaces())
                .Where(b => b!.IsVisible).Select(b => Name(b!)).Order(StringComparer.Ordinal).ToList();
            text.Append(Kind(type)).Append(' ').Append(type.Namespace).Append('.').Append(Name(type)).Append(bases.Count == 0 ? "" : " : " + string.Join(", ", bases)).Append('\n');
            foreach (var member in type.GetMembers(Declared).Where(IsVisible).Select(Describe).Order(StringComparer.Ordinal))
                text.Append("  ").Append(member).Append('\n');
        }

        return text.ToString();
    }

    private static string Kind(Type type) =>
        type.IsEnum ? "enum" : type.IsInterface ? "interface" : type.IsValueType ? "struct" : type is { IsAbstract: true, IsSealed: true } ? "static class" : type.IsSealed ? "sealed class" : type.IsAbstract ? "abstract class" : "class";

    private static bool IsVisible(MemberInfo member) => !member.Name.StartsWith('<') && !member.Name.Contains('.', StringComparison.Ordinal) | member.Name == ".ctor" && member switch
    {
        MethodBase method => (method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly) && (!method.IsSpecialName || method.IsConstructor || method.Name.StartsWith("op_", StringComparison.Ordinal)),
        PropertyInfo { Name: "EqualityContract" } => false,
        PropertyInfo property => property.GetAccessors(nonPublic: true).Any(a => a.IsPublic || a.IsFamily),
        FieldInfo field => field.IsPublic && !field.IsSpecialName,
        Type nested => nested.IsNestedPublic,
        _ => true,
    };

    private static string Describe(MemberInfo member) => member switch
    {
        ConstructorInfo constructor => $"new({Parameters(constructor)})",
        MethodInfo method => $"{(method.IsStatic ? "static " : "")}{Name(method.ReturnType)} {method.Name}{Generics(method)}({Parameters(method)})",
        PropertyInfo property => $"{Name(property.PropertyType)} {property.Name} {{ {string.Join(' ', property.GetAccessors().Select(a => a.Name.StartsWith("get_", StringComparison.Ordinal) ? "get;" : "set;"))} }}",
        FieldInfo field => $"{Name(field.FieldType)} {field.Name}",
        _ => member.ToString() ?? member.Name,
    };

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(p =>
        $"{Name(p.ParameterType)} {p.Name}{(p.HasDefaultValue ? " = " + (p.DefaultValue ?? "default") : "")}"));

    private static string Generics(MethodInfo method)
    {
        if (!method.IsGenericMethodDefinition)
            return "";
        var arguments = method.GetGenericArguments();
        var constraints = arguments.Where(a => a.GetGenericParameterConstraints().Length > 0)
            .Select(a => $" where {a.Name} : {string.Join(", ", a.GetGenericParameterConstraints().Select(Name))}");
        return $"<{string.Join(", ", arguments.Select(a => a.Name))}{string.Concat(constraints)}>";
    }

    private static string Name(Type type)
    {
        if (type.IsGenericParameter)
            return type.Name;
        if (type.IsByRef)
            return "ref " + Name(type.GetElementType()!);
        if (type.IsArray)
            return Name(type.GetElementType()!) + "[]";
        if (Nullable.GetUnderlyingType(type) is { } value)
            return Name(value) + "?";
        var name = type.IsNested ? $"{Name(type.DeclaringType!)}.{type.Name}" : type.Name;
        if (!type.IsGenericType)
            return name;
        var tick = name.IndexOf('`', StringComparison.Ordinal);
        return $"{(tick < 0 ? name : name[..tick])}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>";
    }
}
