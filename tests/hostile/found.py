"""Files that the fuzzer found: native code crashes on them, or never returns."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable


def unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b85decode("".join(text.split())))


CASES: dict[str, Callable[[], bytes]] = {
    "found_annotation.pdf": lambda: unpacked(
        r"""
        c-rll&5qMB6ouF1Dek5M7DHk?P8umhqSL8BFih2Efi#+h+qgrjG_DdC1|EkOna5&>u-&FHM1mCyB%elAdVkJ!?xy-OnonmJ=tb;}
        9>0J4;UNe>thQd7f<I^XyalWx3-I$Vd#>)X%;R;TE3j30DGs#+1peEyXyF!!>A5>~os9ZcVzs`iYaw+{*!5hBTJl=O=yCEjFG@BM
        52_|mp9o=y6Ra!etWkyC2^YK-hi0uNY2TT0Io=?MOhK0E%Q}*EqR>9k-1NPNxNB3^Yk3-<B>Garmxq-!R!hlt`_9)qj%7?O<9EEi
        mmh(|)a<d94QD&=iPInT)UCj&6Ll-Fl*$6uqH6c7ewipiBR-#hWG?HnF6*)``#)ygznhbj)4$OqH(;z#I^Vzrf;b2uFW}j0UR472
        3XY#cp8ArlDxPiOD%U)F0@f4RMi$vlSj!D?`^w-Gm*tvSfUL<Fb%1QjdOnVAmmcyJWNXI$73n|RthO4&&3#Yj8qm+PW}?}3qq_PI
        yb-dnTRBVxnD61UJv4md1u*u4vmm0BP}smZh7{YIOx?$5JcuC_4PrRLgBYRc_gIK18N@KQVzOan#T&Ddg%J83jCmKbEWdIXga2j<
        w<$r&D8Z3B|2T;gg2_0Ha1;_UCOA%L_V<dr<K|c+&1ymt6K^!Sx|w-D0siwe&H
        """
    ),
    "found_glyph.pdf": lambda: unpacked(
        r"""
        c-rk$%WB&|6y48P+>N1KB$|h2WPuUHu?3|`Y8*iq#*2wHvK103jK+}UbNVCwtnNx@MwYFjK)UNDk`UtDbI+W6;A*s(rDx<kLZhF*
        e*8uRFw}SVXflCdA-AdlYLO)b*~^oH;8Gg-P;Vhgkg9S=q`ijAdS4kJ5PU8323Ej)>$+=h^-itquhz<_$}|wR$6c$ul+*gzs$hEy
        LLrK&(^^PviJh&bYU;h-SY4-*T9x*L0QZC>aZk@c@BFZL{*|h>W(SnIdSkSbk7$~Cp%}6PK3!aVhU^~Znd?3f4m!L)$4=^nt~ae8
        38Hfm%&SeEm(|u6W@S+*JBKsA0>K@1?P+PL8{<?w>IRygVu<a%ZqaLLbm?&7EA89Xu4J$MAJe(r-x(i}i-~n<d3x}@%+1c3jJ?5b
        W--i8h^QCdjl6*~e2y_DkmG<@hd##i5aS2@0skj>xWUg_6$nFw@bR+y!x@JHju^2!<15t(6X5_OlnpS-$pB+-@VH%}BWAQLAC&eR
        yR2*DcijH+Zp&8%5d>dmu$nLu5*|}wy^iB3wxZ)uP!TdVW;BX<@;+nTZmrbD$3W<qqtR&oEk%C-r~!X^
        """
    ),
    "found_macro.tex": lambda: unpacked(
        r"""
        c-rmGK?=e!6a>)22;F7T8rp(anN7a`rv#b^5;un2T}3>CbTho!49sGn77-c{h=_=Yh=_>jXaea_+rz!XiZ;DnAK6On5z;<`4zW;l
        $mwa{Nvigza&k`InMS|(^*sCK(zaB7pI#r?3)%
        """
    ),
}
