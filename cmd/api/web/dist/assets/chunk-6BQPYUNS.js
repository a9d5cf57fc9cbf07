import{g as t}from"./chunk-JIJE7WPG.js";import{b as n}from"./chunk-CFCGHBI7.js";var r=(e,i)=>t(n,{children:e.split(/\{(\w+)\}/).map((o,p)=>p%2===1?i[o]:o)});export{r as a};
