/// Writes methods of an enum that only forward to the same method of the variant's value.
///
/// `enum_dispatch!([A, B]; pub fn id(self: &Self) -> String;)` gives `fn id(&self) -> String`
/// that calls `id()` on whatever `A` or `B` holds. Arguments are passed on.
#[macro_export]
macro_rules! enum_dispatch {
    (@call [$($variant:ident),+] $this:ident $method:ident $args:tt) => {
        match $this {
            $(Self::$variant(inner) => inner.$method $args,)+
        }
    };
    (
        @method $variants:tt
        $vis:vis fn $method:ident($this:ident: $this_ty:ty $(, $arg:ident: $arg_ty:ty)*) -> $ret:ty
    ) => {
        #[inline]
        $vis fn $method($this: $this_ty $(, $arg: $arg_ty)*) -> $ret {
            $crate::enum_dispatch!(@call $variants $this $method ($($arg),*))
        }
    };
    ($variants:tt; $($vis:vis fn $method:ident $args:tt -> $ret:ty;)+) => {
        $($crate::enum_dispatch!(@method $variants $vis fn $method $args -> $ret);)+
    };
}
